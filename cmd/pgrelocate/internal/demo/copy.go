package demo

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/internal/chart/standin"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// standInBytes is large enough for figures that mean something and small enough for a moment.
const standInBytes = 16 << 20

func (d *demo) publish(ctx context.Context) error {
	opts := standin.Options{Bytes: standInBytes}
	if err := d.operator(&opts); err != nil {
		return err
	}
	release, err := standin.New(opts)
	if err != nil {
		return err
	}
	if d.vendor, err = startRegistry(ctx, filepath.Join(d.temporary, "vendor"), d.address(VendorAddress)); err != nil {
		return err
	}
	d.cfg.Source.Folder = ref.Folder{Host: d.vendor.Host}
	if d.published, err = release.Push(ctx, d.cfg.Source.Folder); err != nil {
		return err
	}
	d.Note("%s holds %s of %s: chart, operator, PostgreSQL images, FerretDB",
		d.vendor.Host, output.Count(len(d.published), "artifact"), d.published[0].Release)
	return nil
}

func (d *demo) openPrivate(ctx context.Context) (err error) {
	if d.private, err = startRegistry(ctx, d.Dir, d.address(PrivateAddress)); err != nil {
		return err
	}
	d.cfg.Registry = ref.Folder{Host: d.private.Host}
	d.Note("%s keeps its content in %s", d.private.Host, d.Dir)
	return nil
}

func (d *demo) plan(ctx context.Context) error {
	d.command("plan")
	return d.Plan(ctx, d.cfg)
}

func (d *demo) copy(ctx context.Context) error {
	d.command("copy")
	defer d.count()()
	return d.Copy(ctx, d.cfg)
}

// copyAgain wants the private registry itself to have seen nothing but questions.
func (d *demo) copyAgain(ctx context.Context) error {
	d.command("copy")
	defer d.count()()
	before := d.private.writes.Load()
	if err := d.Copy(ctx, d.cfg); err != nil {
		return err
	}
	if n := d.private.writes.Load() - before; n != 0 {
		return fmt.Errorf("the second copy wrote to the private registry, in %s", output.Count(int(n), "request"))
	}
	return nil
}

// command shows what a user would type for the step.
func (d *demo) command(name string) {
	d.Note("$ pgrelocate %s --source %s --registry %s", name, d.cfg.Source, d.cfg.Registry)
}

// count notes what both registries counted until the function that it returns is called.
func (d *demo) count() func() {
	vendor, private := d.vendor.requests.Load(), d.private.requests.Load()
	writes := d.private.writes.Load()
	return func() {
		d.Note("counted at the registries: %s at the vendor's; %s at the private one, %d of them to write",
			output.Count(int(d.vendor.requests.Load()-vendor), "request"),
			output.Count(int(d.private.requests.Load()-private), "request"), d.private.writes.Load()-writes)
	}
}
