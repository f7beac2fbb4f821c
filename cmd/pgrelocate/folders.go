package main

import (
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// sourceFolder and targetFolder say where artifacts come from and go to, as briefly as
// that can be said.
func sourceFolder(artifacts []versions.Artifact) string {
	references := make([]string, len(artifacts))
	for i, a := range artifacts {
		references[i] = a.Source.String()
	}
	return folderOr(references, "several registries")
}

func targetFolder(artifacts []versions.Artifact) string {
	references := make([]string, len(artifacts))
	for i, a := range artifacts {
		references[i] = a.Target.String()
	}
	return folderOr(references, "the target")
}

func folderOr(references []string, otherwise string) string {
	if common := output.Folder(references); common != "" {
		return common
	}
	return otherwise
}
