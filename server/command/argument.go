package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// arguments says which arguments a command takes, by the names that its usage has for them; one in brackets may be left
// out.
func arguments(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > len(names) {
			return fmt.Errorf("there is an argument too many: %q", args[len(names)])
		}
		if len(args) < len(names) && !strings.HasPrefix(names[len(args)], "[") {
			return fmt.Errorf("%s is missing", names[len(args)])
		}
		return nil
	}
}
