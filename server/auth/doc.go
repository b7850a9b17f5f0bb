// Package auth decides who may: the password, tokens and the ping key, how they are made, kept, changed and checked, and
// what the holder of a credential may do. It also knows the installation again, by the secret that seals its database and
// by its generation.
//
// What is compared only is kept as a hash, what has to be shown again is sealed. Neither is ever logged.
//
// Counting failures by address, cookies and what an answer looks like do not belong here, they are the HTTP edge's; nor
// do TLS and its keys, which are in package cert.
//
// # How long a check is good for
//
// What was found out about a credential is remembered until the hub says that credentials changed, and for knownTime at
// most, should that word be lost. A server that can neither remember nor ask refuses with KindUnavailable.
package auth
