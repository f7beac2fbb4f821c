package output

import (
	"path"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Folder is what all references have in common, up to a slash: the part that a table
// says once. It is empty where there is nothing.
func Folder(references []string) string {
	if len(references) == 0 {
		return ""
	}
	common := parent(references[0])
	for _, reference := range references[1:] {
		for common != "" && !strings.HasPrefix(reference, common+"/") {
			common = parent(common)
		}
	}
	return common
}

func parent(reference string) string {
	return reference[:max(strings.LastIndexByte(reference, '/'), 0)]
}

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

// FolderOr is Folder, and otherwise where the references have nothing in common.
func FolderOr(references []string, otherwise string) string {
	if common := Folder(references); common != "" {
		return common
	}
	return otherwise
}
