package httpapi

import (
	"io/fs"
	"net/http"
	"strings"

	"watchkeeper/api"
	"watchkeeper/server/httpapi/web"
)

// pages serves the files of the web interface. A path that is no file is a place within it and gets the page.
func pages(files fs.FS) web.Handler {
	server := http.StripPrefix("/gui/", http.FileServerFS(files))
	return func(w http.ResponseWriter, r *http.Request) error {
		name := strings.TrimPrefix(r.URL.Path, "/gui/")
		info, err := fs.Stat(files, name)
		isFile := err == nil && !info.IsDir()
		header := w.Header()
		switch {
		case !strings.HasPrefix(name, "assets/"):
			header.Set("Cache-Control", "no-cache")
		case !isFile:
			// Of another version: a page in its place would be remembered as that file.
			return api.Errorf(api.KindNotFound, "there is no such file")
		default:
			// Their names change with their content.
			header.Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		if isFile {
			server.ServeHTTP(w, r)
			return nil
		}
		http.ServeFileFS(w, r, files, "index.html")
		return nil
	}
}

// certificate gives the certificate that clients shall trust.
func certificate(authority func() []byte) web.Handler {
	return func(w http.ResponseWriter, _ *http.Request) error {
		pem := authority()
		if len(pem) == 0 {
			return api.Errorf(api.KindNotFound, "this server has no certificate authority of its own")
		}
		w.Header().Set("Content-Type", "application/x-pem-file")
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("Content-Disposition", `attachment; filename="watchkeeper-ca.pem"`)
		_, err := w.Write(pem)
		return err
	}
}
