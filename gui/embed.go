// Package gui holds the web interface as it is served. Until there is one, that is a page which says how to live
// without it.
package gui

import (
	"embed"
	"io/fs"
)

//go:embed dist
var files embed.FS

// Files gives the files of the interface; index.html is the page.
func Files() fs.FS {
	sub, err := fs.Sub(files, "dist")
	if err != nil { // the folder is embedded above
		panic(err)
	}
	return sub
}
