package cert

import "log/slog"

// complaint tells the log of trouble once, however often it comes back, and of its end.
type complaint struct {
	log  *slog.Logger
	what string // such as "reading the authority"
	told string
}

func (c *complaint) tell(err error) {
	switch {
	case err == nil && c.told != "":
		c.told = ""
		c.log.Info(c.what + " works again")
	case err != nil && err.Error() != c.told:
		c.told = err.Error()
		c.log.Warn(c.what+" failed, what was before stays in use", "error", err)
	}
}
