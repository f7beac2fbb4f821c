package saving

import (
	"context"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/ownimage"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/memory"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// takeProgram adds an image of the program itself to what is saved, where that is wanted: at the other
// side it lies where ownimage.Push would put it.
func (v *saving) takeProgram(context.Context) error {
	if v.Program == nil {
		return nil
	}
	at := ref.Reference{Host: ownimage.Host, Repository: "pgrelocate", Tag: v.Program.ImageTag()}
	if err := ref.CheckTag(at.Tag); err != nil {
		return err
	}
	image, _, err := ownimage.Build(*v.Program)
	if err != nil {
		return err
	}
	held := memory.New(nil)
	held.Add(at.Repository, at.Tag, image.Index, image.Manifests, image.Blobs)
	v.program = held
	target := at
	target.Host = ""
	v.artifacts = append(v.artifacts, versions.Artifact{Role: versions.RoleExtra, Extra: "pgrelocate", Source: at, Target: target})
	return nil
}

// admitProgram lets the program's own image through: what is asked of the vendor's artifacts, a signature
// or an age, is not asked of it.
func admitProgram(admit func(context.Context, *plan.Artifact) error) func(context.Context, *plan.Artifact) error {
	if admit == nil {
		return nil
	}
	return func(ctx context.Context, a *plan.Artifact) error {
		if a.Source.Host == ownimage.Host {
			return nil
		}
		return admit(ctx, a)
	}
}

// besideProgram serves the program's own image, and everything else as open does.
func (v *saving) besideProgram(open func(string) (registry.Source, error)) func(string) (registry.Source, error) {
	return func(host string) (registry.Source, error) {
		if host == ownimage.Host && v.program != nil {
			return v.program, nil
		}
		return open(host)
	}
}
