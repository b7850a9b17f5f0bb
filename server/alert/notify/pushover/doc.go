// Package pushover tells people on their phones through the service of that name.
//
// Of the library it uses the limits, the priorities and the form of an answer, and not the part that sends. That part
// takes its address from a variable of the package, which is one for the whole process and all tests in it; it has no
// context, so that nothing could end an attempt; and it turns every refusal into a list of texts without the status, so
// that a full quota (429, wait for its reset) could not be told from a wrong key (400, never again). Nor does it tell
// apart what was refused from what was taken with an answer that lacks the headers of the quota.
package pushover
