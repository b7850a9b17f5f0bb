// Package dial makes the server's outbound connections: to webhooks, push services, mail servers and whatever else an
// address from outside names. It decides by the address that is really connected to, after its name was resolved, so
// that neither a name that changes its mind nor a redirect leads to where the server must not go.
//
// What is said over a connection, retries and limits of rate do not belong here. Connections to the database and those
// of the command line to its own server are not made with it.
//
// # No proxies
//
// The transport takes no notice of HTTP_PROXY and its kin. Behind a proxy the address connected to is always the
// proxy's, and it is the proxy that resolves the name and goes there: the check would pass everything. Networks that
// let nothing out but through a proxy can forward the few destinations that are needed.
//
// A probe may name a proxy of its own. Then only the proxy's address is judged here: whoever may make a probe has decided
// that this proxy may be asked.
package dial
