// Package manifest is the file that says what a server should watch and whom it should tell: channels, services, routes
// and times of maintenance, as YAML that people write and programs make.
//
// Here such a file is read, with the line of everything that is wrong in it, written, and compared with what a server
// has. Nothing here asks a server or changes one: rules of fields are those of package api, and what to do about a
// difference is a plan, which somebody else carries out.
package manifest
