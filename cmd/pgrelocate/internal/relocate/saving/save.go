// Package saving holds the use case that writes the selection into a bundle.
package saving

import (
	"context"
	"io"
	"runtime/debug"

	"github.com/dustin/go-humanize/english"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/admitting"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/discovery"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/ownimage"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/write"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Options are what a save takes besides the settings.
type Options struct {
	// File is the bundle's name; Stream is written to instead where it is not nil.
	File   string
	Stream io.Writer
	// Since leaves out the blobs that it names; Sign signs the lock. Both may be nil.
	Since *lock.Lock
	Sign  func(lock []byte) ([]byte, error)
	// Program has an image of the program itself taken along; nil takes none.
	Program *ownimage.Options
	// Volume, NoResume and Overwrite are as in write.Options.
	Volume              int64
	NoResume, Overwrite bool
}

// Saved is what was written.
type Saved struct {
	*write.Result
	// Source is what went over the wire for it.
	Source registry.Counts
}

// Save writes the selection into a bundle. A bundle is whole or is not written: where an
// artifact fails, the error is an *exit.PartialError.
func Save(ctx context.Context, s *relocate.Session, opts Options) (*Saved, error) {
	v := &saving{Session: s, Options: opts}
	err := relocate.Run(ctx,
		v.claim,           // its place can be written to
		v.readRules,       // what artifacts have to be
		v.look,            // for releases that the catalogue lacks
		v.choose,          // what of the catalogue
		v.takeChartImages, // what the charts run besides, where that is wanted
		v.takeProgram,     // its own image, where that is wanted
		v.collect,         // what the source has of it, with its manifests
		v.write,           // fetch every blob once
	)
	if err != nil {
		return nil, err
	}
	return &Saved{Result: v.written, Source: s.Clients.FromSource.Counts()}, nil
}

// saving is a save that is under way.
type saving struct {
	rules admitting.Rules
	*relocate.Session
	Options
	artifacts []versions.Artifact
	from      *relocate.Sources
	found     *lock.Collection
	written   *write.Result
	// program holds the program's own image; nil where it is not taken along.
	program registry.Source
}

func (v *saving) readRules(ctx context.Context) error { return v.rules.Read(ctx, v.Config) }

func (v *saving) claim(context.Context) error {
	if v.Stream != nil {
		return nil
	}
	return exit.Misnamed(write.Check(v.File, write.Options{VolumeSize: v.Volume, Overwrite: v.Overwrite}))
}

func (v *saving) look(ctx context.Context) error {
	return discovery.Learn(ctx, v.Session, v.Config.Releases)
}

func (v *saving) choose(context.Context) (err error) {
	if err := v.CheckIndex(); err != nil {
		return err
	}
	v.artifacts, err = v.Session.Artifacts(ref.Folder{}) // which registry it goes to is not known yet
	v.from = v.SourcesOf(v.artifacts)
	return err
}

func (v *saving) takeChartImages(ctx context.Context) (err error) {
	v.artifacts, err = v.WithChartImages(ctx, v.artifacts, ref.Folder{}, relocate.AtSource(func(host string) (registry.Source, error) {
		return v.from.Open(ctx, host)
	}))
	return err
}

func (v *saving) collect(ctx context.Context) error {
	catalogue, err := v.Catalogue()
	if err != nil {
		return err
	}
	v.Note("reading %s of %s", output.Count(len(v.artifacts), "artifact"), relocate.SourceFolder(v.artifacts))
	v.found, err = lock.Collect(ctx, v.sources(ctx), v.artifacts, catalogue, plan.Options{
		Platforms:          v.Config.Platforms,
		Index:              v.Config.Index,
		WithoutAttachments: !v.Config.Signatures,
		Admit:              admitProgram(v.rules.Admit()),
	})
	if err != nil {
		return exit.Unanswered(err)
	}
	v.Warn(v.found.Warnings...)
	v.noteLeft()
	failed := relocate.NewFailures(len(v.artifacts))
	for _, missing := range v.found.Failed {
		failed.Add(missing.Artifact, missing.Err)
	}
	return failed.Err()
}

// noteLeft says that not every registry takes the bundle, where it has indexes without some of their
// images: where it is loaded no source is there to give the rest.
func (v *saving) noteLeft() {
	count := 0
	for _, a := range v.found.Artifacts {
		if len(a.Left) > 0 {
			count++
		}
	}
	if count > 0 {
		v.Note("%s without the images for other platforms: registries that take no such index need a bundle with whole ones", english.Plural(count, "index", "indexes"))
	}
}

// sources returns what serves the hosts that the artifacts come from.
func (v *saving) sources(ctx context.Context) func(string) (registry.Source, error) {
	repositories := map[string][]string{}
	for _, artifact := range v.artifacts {
		repositories[artifact.Source.Host] = append(repositories[artifact.Source.Host], artifact.Source.Repository)
	}
	return v.besideProgram(func(host string) (registry.Source, error) {
		source, err := v.from.Open(ctx, host)
		if err != nil {
			return nil, err
		}
		source.Prepare(repositories[host])
		return source, nil
	})
}

func (v *saving) write(ctx context.Context) (err error) {
	content := &write.Content{Content: v.found.Content, Since: v.Since, Sign: v.Sign}
	meter := new(registry.Meter)
	how := write.Options{
		Jobs: v.Config.Jobs, VolumeSize: v.Volume, NoResume: v.NoResume, Overwrite: v.Overwrite,
		Meter: meter, Notice: func(line string) { v.Note("%s", line) },
	}
	stop := v.Progress(meter)
	defer stop()
	if v.Stream != nil {
		// What waits for its turn is used again and again: garbage need not pile up beside it.
		defer debug.SetMemoryLimit(debug.SetMemoryLimit(32 << 20))
		v.written, err = write.Stream(ctx, v.Stream, content, v.found.Open, how)
		return v.found.Located(err)
	}
	v.written, err = write.File(ctx, v.File, content, v.found.Open, how)
	err = v.found.Located(err)
	if err != nil && meter.BytesDone.Load() > 0 {
		v.Note("what has come stays in %s.partial; run the same command again to carry on", v.File)
	}
	return err
}
