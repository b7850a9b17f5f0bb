package manifest

import _ "embed" // the schema

// Schema is the JSON Schema of files, for editors and other programs. Parse knows more rules than it can say.
//
//go:embed manifest.schema.json
var Schema []byte
