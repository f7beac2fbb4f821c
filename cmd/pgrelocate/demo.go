package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/chart/standin"
	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

func newDemoCommand(a *app) *cobra.Command {
	var opts demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See the whole job done on this machine, in registries of its own",
		Long: `Start two registries inside this program, one with a stand-in for the newest release
and one that is empty, and do between them what "pgrelocate plan" and "pgrelocate copy"
do between a vendor's registry and yours. It is the same code; only the content of the
images is made up. Nothing leaves this machine, and no settings but --quiet, --verbose
and --no-progress count.

With --keep both registries stay until Ctrl-C, for you to try the other commands between
them; it says which. They listen on ports 5000 and 5001, or on others where those are
taken.

With --kubeconfig it carries on into a cluster: it installs the stand-in from the private
registry, lets the nodes pull every image, and uninstalls again; the namespace and the
CRDs stay. The registry listens on loopback, so that the cluster's node has to be this
machine. Cert-manager has to be there. A cluster that has the real operator is refused.`,
		Example: `  pgrelocate demo

  # keep what was copied: an OCI image layout, for skopeo, crane and others
  pgrelocate demo --dir mirror

  # keep both registries, and try the commands yourself
  pgrelocate demo --keep

  # carry on into the cluster on this machine
  pgrelocate demo --kubeconfig ~/.kube/config`,
		Args: noArgs,
		RunE: a.with(func(ctx context.Context, cfg *config.Config, _ []string) error {
			return demonstrate(ctx, a, cfg, opts)
		}),
	}
	cmd.Flags().StringVar(&opts.dir, "dir", "", "keep the private registry's content in `DIR`, and carry on with what is there")
	cmd.Flags().BoolVar(&opts.keep, "keep", false, "keep both registries until Ctrl-C, for other commands to be tried")
	opts.cluster.addAccess(cmd.Flags())
	return cmd
}

// demoOptions are the flags of demo.
type demoOptions struct {
	dir     string
	keep    bool
	cluster placeFlags
}

// demo is one run of the demonstration.
type demo struct {
	*app
	// cfg is what a user would have set for these two registries.
	cfg *config.Config
	demoOptions
	// temporary is removed at the end; the private registry's content is in dir.
	temporary string

	vendor, private *demoRegistry
	// installed says that the cluster has the stand-in's operator.
	installed bool
	// published is what the vendor's registry holds, with digests.
	published []versions.Artifact
}

// steps are the demonstration.
func (d *demo) steps() []demoStep {
	return append([]demoStep{
		{"Start a vendor's registry that holds a stand-in release", d.publish},
		{"Start a private registry", d.openPrivate},
		{"Plan: what would a copy move?", d.plan},
		{"Copy", d.copy},
		{"Copy again: there is nothing to do", d.copyAgain},
		{"Check that both registries hold the same", d.check},
	}, d.clusterSteps()...)
}

// demoStep is one step with what it says before it starts.
type demoStep struct {
	title string
	run   func(context.Context) error
}

func demonstrate(ctx context.Context, a *app, cfg *config.Config, opts demoOptions) error {
	d, err := newDemo(a, cfg, opts)
	if err != nil {
		return err
	}
	d.cluster.PullSecret = install.DefaultPullSecret
	defer d.close()
	defer d.leaveCluster(ctx)
	steps := d.steps()
	for i, step := range steps {
		a.note("\n%d/%d  %s", i+1, len(steps), step.title)
		if err := step.run(ctx); ctx.Err() != nil {
			return context.Cause(ctx)
		} else if err != nil {
			return fmt.Errorf("demo, step %d: %w", i+1, err)
		}
	}
	if d.keep {
		d.stay(ctx)
		return nil
	}
	d.whatNext()
	return nil
}

func newDemo(a *app, cfg *config.Config, opts demoOptions) (*demo, error) {
	temporary, err := os.MkdirTemp("", "pgrelocate-demo-")
	if err != nil {
		return nil, err
	}
	if opts.dir == "" {
		opts.dir = filepath.Join(temporary, "private")
	}
	// Users' own settings are for their own registries.
	own := config.Defaults()
	own.Quiet, own.Verbose, own.NoProgress = cfg.Quiet, cfg.Verbose, cfg.NoProgress
	return &demo{app: a, cfg: own, demoOptions: opts, temporary: temporary}, nil
}

// close ends the registries and removes what was temporary.
func (d *demo) close() {
	d.vendor.close()
	d.private.close()
	if err := os.RemoveAll(d.temporary); err != nil {
		d.warn("%v", err)
	}
}

// demoBytes is large enough for figures that mean something and small enough for a moment.
const demoBytes = 16 << 20

func (d *demo) publish(ctx context.Context) error {
	opts := standin.Options{Bytes: demoBytes}
	if err := d.operator(&opts); err != nil {
		return err
	}
	release, err := standin.New(opts)
	if err != nil {
		return err
	}
	if d.vendor, err = startDemoRegistry(ctx, filepath.Join(d.temporary, "vendor"), d.address(vendorAddress)); err != nil {
		return err
	}
	d.cfg.Source.Folder = ref.Folder{Host: d.vendor.Host}
	if d.published, err = release.Push(ctx, d.cfg.Source.Folder); err != nil {
		return err
	}
	d.note("%s holds %s of %s: chart, operator, PostgreSQL images, FerretDB",
		d.vendor.Host, output.Count(len(d.published), "artifact"), d.published[0].Release)
	return nil
}

func (d *demo) openPrivate(ctx context.Context) (err error) {
	if d.private, err = startDemoRegistry(ctx, d.dir, d.address(privateAddress)); err != nil {
		return err
	}
	d.cfg.Registry = ref.Folder{Host: d.private.Host}
	d.note("%s keeps its content in %s", d.private.Host, d.dir)
	return nil
}

func (d *demo) plan(ctx context.Context) error {
	d.command("plan")
	return showPlan(ctx, d.app, d.cfg)
}

func (d *demo) copy(ctx context.Context) error {
	d.command("copy")
	defer d.count()()
	return copyRelease(ctx, d.app, d.cfg, relocate.CopyOptions{})
}

// copyAgain wants the private registry itself to have seen nothing but questions.
func (d *demo) copyAgain(ctx context.Context) error {
	d.command("copy")
	defer d.count()()
	before := d.private.writes.Load()
	if err := copyRelease(ctx, d.app, d.cfg, relocate.CopyOptions{}); err != nil {
		return err
	}
	if n := d.private.writes.Load() - before; n != 0 {
		return fmt.Errorf("the second copy wrote to the private registry, in %s", output.Count(int(n), "request"))
	}
	return nil
}

// command shows what a user would type for the step.
func (d *demo) command(name string) {
	d.note("$ pgrelocate %s --source %s --registry %s", name, d.cfg.Source, d.cfg.Registry)
}

// count notes what both registries counted until the function that it returns is called.
func (d *demo) count() func() {
	vendor, private := d.vendor.requests.Load(), d.private.requests.Load()
	writes := d.private.writes.Load()
	return func() {
		d.note("counted at the registries: %s at the vendor's; %s at the private one, %d of them to write",
			output.Count(int(d.vendor.requests.Load()-vendor), "request"),
			output.Count(int(d.private.requests.Load()-private), "request"), d.private.writes.Load()-writes)
	}
}

// whatNext says how to go on with registries of one's own.
func (d *demo) whatNext() {
	product, err := versions.Builtin().Product(d.cfg.Product)
	if err != nil {
		return
	}
	kept := "Its content is removed now; --dir DIR keeps it."
	if filepath.Dir(d.dir) != d.temporary {
		kept = "Its content stays in " + d.dir + ", an OCI image layout."
	}
	d.note(`
That was the whole job. The private registry ends with this program. %s

Next, with a registry of your own (registry.example.com here):

  pgrelocate versions
  pgrelocate login %s -u YOU@EXAMPLE.COM --password-stdin < token
  pgrelocate login registry.example.com -u USER --password-stdin < password
  pgrelocate plan --registry registry.example.com
  pgrelocate copy --registry registry.example.com`,
		kept, product.Newest().Operator().Registry.Host)
}
