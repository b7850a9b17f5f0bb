// Command watchkeeper is the server and its command line.
package main

import (
	"os"

	"watchkeeper/server/command"
)

// version is set when the program is built.
var version = "dev"

func main() { os.Exit(command.Main(command.ThisProcess(version))) }
