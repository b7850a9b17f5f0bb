// Package mail tells people by mail: it writes the message as plain text and HTML and hands it to a server over SMTP.
//
// The library composes the message and speaks the commands; the order of the conversation is kept here, because the
// library's own Send lets one refused recipient cancel the others, asks the server further questions after the message
// was taken, whose failure then looks like one of the message, and does not say at which step a server refused.
package mail
