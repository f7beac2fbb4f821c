package demo

import (
	"context"
	"path/filepath"

	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
)

// Where registries that stay listen, so that the README can say what to type.
const (
	PrivateAddress = "127.0.0.1:5000"
	VendorAddress  = "127.0.0.1:5001"
)

// address is where a registry listens that nobody will look for once the demonstration is
// over, and where one that stays would.
func (d *demo) address(staying string) string {
	if d.Keep {
		return staying
	}
	return ""
}

// stay keeps the registries until ctx ends, and says what can be done with them.
func (d *demo) stay(ctx context.Context) {
	d.Note(`
That was the whole job. Both registries stay until Ctrl-C ends them.
In another terminal, into a folder of the private one that is empty:

  pgrelocate plan --source %[1]s --registry %[2]s/tour --versions 17
  pgrelocate copy --source %[1]s --registry %[2]s/tour --versions 17
  pgrelocate copy --check --source %[1]s --registry %[2]s/tour --versions 17
  pgrelocate verify --registry %[2]s/tour --no-cluster --versions 17
  pgrelocate versions --registry %[2]s/tour --versions 17

or through a file:

  pgrelocate save --source %[1]s --versions 17 -f pg.tar
  pgrelocate load -f pg.tar --registry %[2]s/carried`,
		d.vendor.Host, d.private.Host)
	<-ctx.Done()
}

// whatNext says how to go on with registries of one's own.
func (d *demo) whatNext() {
	product, err := catalogue.Builtin().Product(d.cfg.Product)
	if err != nil {
		return
	}
	kept := "Its content is removed now; --dir DIR keeps it."
	if filepath.Dir(d.Dir) != d.temporary {
		kept = "Its content stays in " + d.Dir + ", an OCI image layout."
	}
	d.Note(`
That was the whole job. The private registry ends with this program. %s

Next, with a registry of your own (registry.example.com here):

  pgrelocate versions
  pgrelocate login %s -u YOU@EXAMPLE.COM --password-stdin < token
  pgrelocate login registry.example.com -u USER --password-stdin < password
  pgrelocate plan --registry registry.example.com
  pgrelocate copy --registry registry.example.com`,
		kept, product.Newest().Operator().Registry.Host)
}
