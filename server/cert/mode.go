package cert

// Mode is where the server's certificate comes from.
type Mode string

// The modes.
const (
	ModeSelf  Mode = "self"  // from an authority of the installation's own
	ModeFiles Mode = "files" // from files that somebody else renews
	ModeACME  Mode = "acme"  // ordered from an authority elsewhere that can see that the names are ours
	ModeOff   Mode = "off"   // there is none: plain HTTP, for a reverse proxy on the same machine
)

// Valid reports whether m is one of the modes.
func (m Mode) Valid() bool { return m == ModeSelf || m == ModeFiles || m == ModeACME || m == ModeOff }
