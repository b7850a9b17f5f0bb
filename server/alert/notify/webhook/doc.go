// Package webhook tells programs: it posts a message as JSON to a URL, signed so that the receiver can tell it from
// others'.
//
// # What is sent
//
// The body is one JSON object, the type Payload. Fields may be added; what is there keeps its name and meaning while
// "version" is 1. Three headers come with it:
//
//	Watchkeeper-Timestamp: 1753876807        when it was sent, in Unix seconds
//	Watchkeeper-Signature: v1=5257a8...      only if the channel has a secret
//	Watchkeeper-Delivery:  0198...           the same at every attempt to deliver this message
//
// The signature is the HMAC-SHA-256 of the timestamp, a dot and the body as it was received, with the channel's secret
// as the key, in hexadecimal. A receiver should compare it in constant time, refuse timestamps older than some minutes,
// and take a delivery that it has seen for a repetition.
//
// # What is answered
//
// A 2xx means that the receiver has it. 408, 425, 429 and 5xx are tried again, not before the time in Retry-After; any
// other 4xx is final. Redirects are followed on the same host only, and only those that keep the method.
package webhook
