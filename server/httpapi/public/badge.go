package public

import (
	"bytes"
	"html/template"
	"net/http"
	"unicode/utf8"

	"watchkeeper/api"
)

// colours are those of the states, dark enough for white letters on them.
var colours = map[api.State]string{
	api.StateUp: "#1a7f37", api.StateLate: "#9a6700", api.StateDown: "#cf222e", api.StatePaused: "#57606a", api.StateNew: "#57606a",
}

// badge answers /badge/TAG.svg with the state of all services of a tag and /badge/TAG/SERVICE.svg with that of one, by
// name or slug. With .json the answer is what shields.io makes badges of.
func (h *routes) badge(w http.ResponseWriter, r *http.Request) error {
	parts, suffix, err := form(r, badgePath, ".svg", ".json")
	if err != nil || suffix == "" || len(parts) > 2 {
		return errNothing
	}
	all, err := h.of(r.Context(), parts[0])
	if err != nil {
		return err
	}
	label, state := all.Tag, all.State
	if len(parts) == 2 {
		s := all.find(parts[1])
		if s == nil {
			return errNothing
		}
		label, state = s.Service, s.State
	}
	if suffix == ".json" {
		return writeJSON(w, map[string]any{"schemaVersion": 1, "label": label, "message": state, "color": colours[state], "isError": state == api.StateDown})
	}
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	return write(w, "image/svg+xml", drawBadge(label, state))
}

// maxLabel is how many characters of a name a badge shows.
const maxLabel = 60

// drawBadge draws a badge. The width of letters is guessed, and the letters are made to fit it.
func drawBadge(label string, state api.State) []byte {
	const letter, space, height = 7, 12, 20
	if utf8.RuneCountInString(label) > maxLabel {
		label = string([]rune(label)[:maxLabel-1]) + "…"
	}
	left := letter*utf8.RuneCountInString(label) + space
	right := letter*len(state) + space
	var b bytes.Buffer
	// Executing it on these values cannot fail: nothing is written elsewhere than to memory.
	_ = badgeTemplate.Execute(&b, map[string]any{
		"Label": label, "State": state, "Colour": colours[state], "Height": height, "Left": left, "Right": right,
		"Width": left + right, "LabelAt": left / 2, "StateAt": left + right/2, "LabelFits": left - space, "StateFits": right - space,
	})
	return b.Bytes()
}

var badgeTemplate = template.Must(template.New("badge").Parse(`<svg xmlns="http://www.w3.org/2000/svg" width="{{.Width}}" height="{{.Height}}" role="img" aria-label="{{.Label}}: {{.State}}">
<title>{{.Label}}: {{.State}}</title>
<clipPath id="round"><rect width="{{.Width}}" height="{{.Height}}" rx="3"/></clipPath>
<g clip-path="url(#round)"><rect width="{{.Left}}" height="{{.Height}}" fill="#424a53"/><rect x="{{.Left}}" width="{{.Right}}" height="{{.Height}}" fill="{{.Colour}}"/></g>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
<text x="{{.LabelAt}}" y="14" textLength="{{.LabelFits}}" lengthAdjust="spacingAndGlyphs">{{.Label}}</text>
<text x="{{.StateAt}}" y="14" textLength="{{.StateFits}}" lengthAdjust="spacingAndGlyphs">{{.State}}</text>
</g>
</svg>
`))
