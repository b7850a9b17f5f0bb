// Package secret seals what the server has to read again but must not leave lying about in the database: the key of its
// CA, secrets of channels, the first password. All of it is sealed with keys derived from one text, the installation's
// secret, which is never stored beside what it seals.
//
// Passwords and tokens that are only ever compared do not belong here, they are hashed; nor does the keeping of sealed
// values, which is the store's.
package secret
