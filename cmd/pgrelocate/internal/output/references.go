package output

import (
	"path"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Within is a reference without the folder.
func Within(folder, reference string) string {
	if folder == "" {
		return reference
	}
	return strings.TrimPrefix(reference, folder+"/")
}

// Short is an artifact's name without registry and folder, which it need not have: what follows it
// names those.
func Short(r ref.Reference) string {
	r.Host, r.Repository = "", path.Base(r.Repository)
	return r.String()
}

// FolderOr is ref.Common, and otherwise where the references have nothing in common.
func FolderOr(references []string, otherwise string) string {
	if common := ref.Common(references); common != "" {
		return common
	}
	return otherwise
}
