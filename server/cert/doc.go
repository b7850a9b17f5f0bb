// Package cert gives the server its TLS: a certificate authority of the installation's own and certificates from it, or
// a certificate and key from files, each renewed while the server runs without a connection being dropped.
//
// Who may do what does not belong here, that is package auth; nor do the settings of HTTP on top of TLS.
//
// # The authority
//
// It is made by the first server on an empty database and kept in that database, sealed with the installation's secret,
// so that all servers of the database share it and clients trust one certificate. Its key is never on a disk unsealed.
// Clients get its certificate from the file ca.pem in the data folder or from the server; agents remember its pin, which
// is the hash of its public key.
//
// It is good for ten years. When two of them are left, some server makes a new certificate for the same key and the same
// name. So nothing changes for who knows the pin, and clients with the old certificate have two years to fetch the new
// one: what the server shows them verifies with either. The key itself is replaced only by hand, when it leaked: delete
// the setting "ca", start again, and hand out the new certificate.
//
// # The server's certificate
//
// It is good for half a year, which every browser accepts, and is made anew at two thirds of it, when the names or
// addresses of the machine change, and when the authority does. It is kept sealed in the data folder, because browsers
// ask their users again about each new certificate of an authority that they do not know.
package cert
