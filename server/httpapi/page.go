package httpapi

import (
	"io/fs"
	"net/http"
	"strings"

	"watchkeeper/api"
	"watchkeeper/server/httpapi/web"
)

// pages serves the files of the web interface. A path that is no file is a place within it and gets the page.
func pages(files fs.FS) http.HandlerFunc {
	server := http.StripPrefix("/gui/", http.FileServerFS(files))
	return func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/gui/")
		if strings.HasPrefix(name, "assets/") {
			// Their names change with their content.
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		} else {
			w.Header().Set("Cache-Control", "no-cache")
		}
		if info, err := fs.Stat(files, strings.TrimSuffix(name, "/")); name == "" || err != nil || info.IsDir() {
			http.ServeFileFS(w, r, files, "index.html")
			return
		}
		server.ServeHTTP(w, r)
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
