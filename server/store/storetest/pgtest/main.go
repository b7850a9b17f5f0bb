package pgtest

import (
	"fmt"
	"os"
)

// Runner is what runs a package's tests: *testing.M, or something that wraps it.
type Runner interface {
	Run() int
}

// Main runs a package's tests, ends the shared server and exits. It is the whole of a TestMain:
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
func Main(m Runner) {
	os.Exit(Wrap(m).Run())
}

// Wrap returns a Runner that ends the shared server after the tests, for a TestMain that does more, such as
// goleak.VerifyTestMain(pgtest.Wrap(m)).
func Wrap(m Runner) Runner {
	return wrapped{m}
}

type wrapped struct{ Runner }

func (w wrapped) Run() int {
	code := w.Runner.Run()
	if err := shared.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		code = max(code, 1)
	}
	return code
}
