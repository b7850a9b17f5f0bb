package v1

import (
	"embed"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"watchkeeper/api"
	"watchkeeper/server/httpapi/web"
)

// The page that shows the document, and its script and style. Everything comes from here: the page works where nothing
// but this server can be reached.
//
//go:embed page
var pageFiles embed.FS

// pageRoutes adds /docs and the files of its page.
func (h *routes) pageRoutes(r chi.Router) error {
	page, err := fs.ReadFile(pageFiles, "page/index.html")
	if err != nil {
		return err
	}
	r.Group(func(r chi.Router) {
		r.Use(web.PageHeaders(web.PagePolicy))
		r.Get("/docs", h.servePage(page))
		r.Get("/docs/", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "../docs", http.StatusPermanentRedirect)
		})
		for name, mediaType := range map[string]string{
			"page.js": "text/javascript; charset=utf-8", "page.css": "text/css; charset=utf-8",
		} {
			var content []byte
			if content, err = fs.ReadFile(pageFiles, path.Join("page", name)); err != nil {
				return
			}
			r.Get("/docs/"+name, serveFile(content, mediaType))
		}
	})
	return err
}

// servePage answers with the page. A browser without a credential gets the same page, which then asks for one: the
// browser's own question would make it send the password with every request, also with those of strange pages.
func (h *routes) servePage(page []byte) http.HandlerFunc {
	serve := serveFile(page, "text/html; charset=utf-8")
	return web.Handle(func(w http.ResponseWriter, r *http.Request) error {
		_, err := h.allow(r, api.ScopeRead)
		if err == nil {
			serve(w, r)
			return nil
		}
		if api.KindOf(err) != api.KindUnauthorized || !strings.Contains(r.Header.Get("Accept"), "text/html") {
			return err
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="watchkeeper"`)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("Content-Length", strconv.Itoa(len(page)))
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write(page) // the client is gone: there is nobody to tell
		return nil
	}, web.Problems)
}

func serveFile(content []byte, mediaType string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mediaType)
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		_, _ = w.Write(content) // the client is gone: there is nobody to tell
	}
}
