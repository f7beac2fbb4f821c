// Package ownimage holds the use case that puts an image of the program itself into the private registry, and
// makes that image for those who take it along.
package ownimage

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/copying"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/memory"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/selfimage"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Host is the host that the program's own image comes from, in references.
const Host = "self.invalid"

// Options are what the program's own image is made of.
type Options struct {
	// Programs are files that hold the program, one for each platform.
	Programs []string
	// Version, Commit and Date, in RFC 3339, are the program's; Tag is the image's, and the
	// version where it is empty.
	Version, Commit, Date, Tag string
}

// Pushed is the program's own image at the private registry.
type Pushed struct {
	// Ref is where it is, by tag and digest.
	Ref ref.Reference
	// Platforms are those that it is for.
	Platforms []string
	// Copied is what was moved; nil where nothing has been come to.
	Copied *copying.Copied
}

// Push puts an image of the program itself into the private registry, below its folder.
func Push(ctx context.Context, s *relocate.Session, opts Options) (*Pushed, error) {
	p := &pushing{Copying: copying.Copying{Planning: copying.Planning{Session: s}}, opts: opts, made: &Pushed{}}
	err := relocate.Run(ctx,
		p.build,    // the image, in memory
		p.open,     // a client of the private registry
		p.compare,  // what is there already
		p.Transfer, // move it, its tag last
	)
	p.made.Copied = p.Copied
	return p.made, err
}

// pushing is a run of Push that is under way.
type pushing struct {
	copying.Copying
	opts  Options
	image *selfimage.Tree
	made  *Pushed
}

func (p *pushing) build(context.Context) error {
	if err := ref.CheckTag(p.opts.ImageTag()); err != nil {
		return &exit.UsageError{Err: err}
	}
	image, platforms, err := Build(p.opts)
	if err != nil {
		return err
	}
	p.image, p.made.Platforms = image, platforms
	p.made.Ref = p.Config.Registry.Reference("pgrelocate", p.opts.ImageTag())
	p.made.Ref.Digest = image.Index.Descriptor.Digest.String()
	return nil
}

// Build makes the image, and tells which platforms it is for. A file that holds no such program is a
// exit.UsageError.
func Build(opts Options) (*selfimage.Tree, []string, error) {
	var programs []selfimage.Program
	var platforms []string
	for _, path := range opts.Programs {
		program, err := selfimage.Open(path)
		if err != nil {
			return nil, nil, exit.Misread(err)
		}
		programs, platforms = append(programs, program), append(platforms, program.Platform.String())
	}
	created, _ := time.Parse(time.RFC3339, opts.Date) // a build that nobody dated has the epoch
	image, err := selfimage.Build(programs, selfimage.About{Version: opts.Version, Commit: opts.Commit, Created: created})
	return image, platforms, err
}

// ImageTag is the image's: a version may hold a plus, and a tag may not.
func (o Options) ImageTag() string {
	if o.Tag != "" {
		return o.Tag
	}
	return strings.ReplaceAll(o.Version, "+", "_")
}

func (p *pushing) open(ctx context.Context) error {
	target, err := p.Clients.Target(ctx, true)
	if err != nil {
		return err
	}
	held := memory.New(nil)
	held.Add(p.made.Ref.Repository, p.made.Ref.Tag, p.image.Index, p.image.Manifests, p.image.Blobs)
	p.Sides = registry.Endpoints{Source: func(string) (registry.Source, error) { return held, nil }, Target: target}
	return nil
}

func (p *pushing) compare(ctx context.Context) (err error) {
	at := p.made.Ref
	at.Digest = ""
	p.Artifacts = []versions.Artifact{{
		Role: versions.RoleExtra, Extra: "pgrelocate", Target: at,
		Source: ref.Reference{Host: Host, Repository: at.Repository, Tag: at.Tag},
	}}
	// What the user asks of the vendor's artifacts, platforms and signatures, is not asked of this.
	p.Plan, err = plan.New(ctx, p.Sides, p.Artifacts, plan.Options{OnConflict: p.Config.OnConflict, Check: p.Config.Check, WithoutAttachments: true})
	if err != nil {
		return exit.Unanswered(fmt.Errorf("the program's own image: %w", err))
	}
	return nil
}
