package command

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

func (r *run) versionLine() string {
	return fmt.Sprintf("watchkeeper %s (%s, %s/%s)\n", r.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

func (r *run) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version of the program", Args: arguments(),
		RunE: r.begin(func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(r.Out, r.versionLine())
			return err
		}),
	}
}
