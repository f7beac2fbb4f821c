package charts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/copying"
	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/inplace"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/chart/survey"
	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/heed"
	"github.com/pgrelocate/pgrelocate/internal/install/preparation"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// ManifestFile is a YAML file with objects.
type ManifestFile struct {
	*inplace.File
	// Name is the file's as it was given, or below the folder that was; "-" is standard input.
	Name string

	path string // empty is standard input
	mode fs.FileMode
}

// Manifests are files of Kubernetes objects with what they name.
type Manifests struct {
	Files []ManifestFile
	// Links are the YAML files that were passed over, for nothing is read, or written, through links.
	Links []string
	// Origin are the images that are known to be ones, so that their short names are found too.
	Origin naming.Origin
}

// ManifestImages reads a file, all YAML files of a folder, or stdin where the name is "-".
func ManifestImages(ctx context.Context, s *relocate.Session, name string, stdin io.Reader) (*Manifests, error) {
	found := &Manifests{}
	if err := found.read(ctx, name, stdin); err != nil {
		return nil, err
	}
	for _, link := range found.Links {
		s.Warn(link + " is a link, and is left out: name what it leads to")
	}
	objects := 0
	for _, file := range found.Files {
		objects += file.Objects()
		warnOfUnreadable(s, file.Unreadable())
	}
	if objects == 0 {
		return nil, exit.Usagef("%s holds no Kubernetes objects", name)
	}
	// What is an image at one place is one at every other, where nothing marks it.
	for _, file := range found.Files {
		for _, place := range file.Occurrences(naming.Origin{}) {
			if !slices.Contains(found.Origin.Images, place.Image) {
				found.Origin.Images = append(found.Origin.Images, place.Image)
			}
		}
	}
	return found, nil
}

func (m *Manifests) read(ctx context.Context, name string, stdin io.Reader) error {
	if name == "-" {
		body, err := heed.Call(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(stdin, inplace.MaxFile+1)) })
		if err != nil {
			return fmt.Errorf("reading standard input: %w", err)
		}
		return m.add(ctx, ManifestFile{Name: name}, body)
	}
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return &exit.UsageError{Err: err}
	case !info.IsDir():
		return m.readFile(ctx, name, name)
	}
	return filepath.WalkDir(name, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && path != name && strings.HasPrefix(entry.Name(), ".") {
			return fs.SkipDir
		}
		below, err := filepath.Rel(name, path)
		if err != nil {
			return err
		}
		if leadsToYAML(path, entry) {
			m.Links = append(m.Links, below)
		}
		if !entry.Type().IsRegular() || !isYAML(path) {
			return nil
		}
		return m.readFile(ctx, below, path)
	})
}

// leadsToYAML tells whether an entry is a link that somebody may take for a manifest, or for a
// folder of them.
func leadsToYAML(path string, entry fs.DirEntry) bool {
	if entry.Type()&fs.ModeSymlink == 0 {
		return false
	}
	info, err := os.Stat(path)
	return isYAML(path) || err == nil && info.IsDir()
}

func isYAML(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(name)))
}

// readFile reads a file, or a pipe that somebody has named.
func (m *Manifests) readFile(ctx context.Context, name, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	body, err := files.ReadSmall(ctx, path, inplace.MaxFile)
	if err != nil {
		return exit.Misnamed(err)
	}
	return m.add(ctx, ManifestFile{Name: name, path: path, mode: info.Mode().Perm()}, body)
}

func (m *Manifests) add(ctx context.Context, file ManifestFile, body []byte) (err error) {
	file.File, err = heed.Call(ctx, func() (*inplace.File, error) { return inplace.Parse(body) })
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return &exit.UsageError{Err: fmt.Errorf("reading %s: %w", file.Name, err)}
	}
	m.Files = append(m.Files, file)
	return nil
}

// ManifestRelocation is what relocating manifests takes besides the settings.
type ManifestRelocation struct {
	// Name and Stdin are as for ManifestImages.
	Name  string
	Stdin io.Reader
	// Output is the file, or for a folder the folder, that the changed manifests go to; InPlace
	// changes those that were read. Neither leaves it to who asked; see RelocatedManifests.
	Output  string
	InPlace bool
	// Overwrite lets files be replaced in Output.
	Overwrite bool
	// Accept are the places that may name what is not in the private registry.
	Accept []naming.Accept
	// DryRun moves and writes nothing.
	DryRun bool
}

// RelocatedManifests are manifests that name nothing but the private registry.
type RelocatedManifests struct {
	*Manifests
	// Changed is the content of each file, in the order of Files.
	Changed [][]byte
	// Written are the files that were written.
	Written []string
	// Plan, Copied and Failures are as in RelocatedChart.
	Plan     *plan.Plan
	Copied   *copying.Copied
	Failures error
}

// RelocateManifests copies the images that manifests name into the private registry, and changes
// the manifests to name them there. It finds out before it moves anything whether every image can be
// changed, and every file written. The result is as with RelocateChart.
func RelocateManifests(ctx context.Context, s *relocate.Session, opts ManifestRelocation) (*RelocatedManifests, error) {
	r := &rewriting{Copying: copying.Copying{Planning: copying.Planning{Session: s}}, opts: opts, made: &RelocatedManifests{}}
	steps := []func(context.Context) error{
		r.read,    // the manifests
		r.rewrite, // in memory
		r.prove,   // they name nothing else
		r.claim,   // they can be written
		r.choose,  // the images
		r.connect, // a client of each registry
		r.Compare, // what is where, and what has to move
	}
	if !opts.DryRun {
		steps = append(steps, r.Transfer, r.write)
	}
	err := relocate.Run(ctx, steps...)
	if r.Plan == nil {
		return nil, err
	}
	r.made.Plan, r.made.Copied = r.Plan, r.Copied
	switch {
	case r.Copied != nil:
		r.made.Failures = r.Copied.Failures
	case opts.DryRun:
		r.made.Failures = relocate.FailuresOfPlan(r.Plan)
	}
	return r.made, err
}

// rewriting is a relocation of manifests that is under way.
type rewriting struct {
	copying.Copying
	opts ManifestRelocation
	made *RelocatedManifests
}

func (r *rewriting) read(ctx context.Context) (err error) {
	r.made.Manifests, err = ManifestImages(ctx, r.Copying.Session, r.opts.Name, r.opts.Stdin)
	return err
}

// rewrite changes the manifests in memory.
func (r *rewriting) rewrite(context.Context) error {
	for _, file := range r.made.Files {
		changed, err := file.Rewrite(r.made.Origin, func(m naming.Mention) string {
			if r.isThere(m) {
				return ""
			}
			return r.Config.Registry.String() + "/" + survey.Tail(m)
		})
		if err != nil {
			return fmt.Errorf("%s: %w", file.Name, err)
		}
		r.made.Changed = append(r.made.Changed, changed)
	}
	return nil
}

// isThere tells whether an image stays as it is: it lies in the private registry already, or its
// place is accepted.
func (r *rewriting) isThere(m naming.Mention) bool {
	_, accepted := naming.AcceptedBy(r.opts.Accept, m.Use)
	return accepted || r.Config.Registry.Holds(m.Image)
}

// prove holds the changed manifests against the proof.
func (r *rewriting) prove(context.Context) error {
	all := &chart.Rendering{}
	for i, file := range r.made.Files {
		if file.Objects() == 0 {
			continue
		}
		rendering, err := chart.ParseManifest(string(r.made.Changed[i]))
		if err != nil {
			return fmt.Errorf("%s: %w", file.Name, err)
		}
		for _, object := range rendering.Objects {
			if object.GetKind() != "" { // what is none is left alone
				all.Objects = append(all.Objects, object)
			}
		}
	}
	err := checkProof(r.Copying.Session, all, naming.Proof{Target: r.Config.Registry, Origin: r.made.Origin, Accept: r.opts.Accept}, "")
	var proof *preparation.ProofError
	if errors.As(err, &proof) {
		proof.Thing = "what is to be written"
	}
	return err
}

// output is where a file goes; empty is nowhere.
func (r *rewriting) output(i int) string {
	file := r.made.Files[i]
	switch {
	case r.opts.InPlace:
		if string(r.made.Changed[i]) == string(file.Body()) {
			return ""
		}
		return file.path
	case r.opts.Output == "-": // standard output
		return ""
	case r.opts.Output == "" || file.path == file.Name || file.path == "":
		return r.opts.Output
	default:
		return filepath.Join(r.opts.Output, file.Name)
	}
}

// claim finds out whether the manifests can be written.
func (r *rewriting) claim(context.Context) error {
	for i := range r.made.Files {
		name := r.output(i)
		if name == "" || r.opts.DryRun {
			continue
		}
		check := files.CheckFree
		if r.opts.InPlace || r.opts.Output == name {
			check = files.CheckWritable // its folder is there
		}
		err := check(name, r.opts.InPlace || r.opts.Overwrite)
		if err == nil && !r.opts.InPlace && r.opts.Output != name {
			err = files.CheckBelow(r.opts.Output, name)
		}
		if err != nil {
			return exit.Misnamed(fmt.Errorf("writing the manifests: %w", err))
		}
	}
	return nil
}

func (r *rewriting) write(context.Context) error {
	for i, file := range r.made.Files {
		name := r.output(i)
		if name == "" {
			continue
		}
		mode := file.mode
		if mode == 0 {
			mode = 0o644
		}
		if !r.opts.InPlace && name != r.opts.Output {
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				return fmt.Errorf("writing the manifests: %w", err)
			}
		}
		if err := files.Write(name, r.made.Changed[i], mode, r.opts.InPlace || r.opts.Overwrite); err != nil {
			return fmt.Errorf("writing the manifests: %w", err)
		}
		r.made.Written = append(r.made.Written, name)
	}
	return nil
}

// choose takes the images that are to be named in the private registry.
func (r *rewriting) choose(context.Context) error {
	known := map[relocated]bool{}
	for _, file := range r.made.Files {
		for _, place := range file.Occurrences(r.made.Origin) {
			if r.isThere(place.Mention) {
				continue
			}
			if place.Repository {
				r.Warn(fmt.Sprintf("%s %s names a repository without a tag: nothing is copied for it", place.Use, place.Image))
				continue
			}
			at := survey.Below(r.Config.Registry, place.Mention)
			if pair := (relocated{place.Image, at}); !known[pair] {
				known[pair] = true
				r.Artifacts = append(r.Artifacts, versions.Artifact{Role: versions.RoleChartImage, Source: place.Image, Target: at})
			}
		}
	}
	return copying.Pinned(r.Config, r.Artifacts)
}

// relocated is an image with its place at the target.
type relocated struct{ source, target ref.Reference }

func (r *rewriting) connect(ctx context.Context) error {
	target, err := r.Clients.Target(ctx, true)
	if err != nil {
		return err
	}
	owner := onlyHost(r.Artifacts)
	r.Sides = registry.Endpoints{Target: target, Source: func(host string) (registry.Source, error) {
		return r.Clients.Source(ctx, host, owner)
	}}
	return nil
}
