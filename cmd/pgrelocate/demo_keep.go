package main

import "context"

// Where registries that stay listen, so that the README can say what to type.
const (
	privateAddress = "127.0.0.1:5000"
	vendorAddress  = "127.0.0.1:5001"
)

// address is where a registry listens that nobody will look for once the demonstration is
// over, and where one that stays would.
func (d *demo) address(staying string) string {
	if d.keep {
		return staying
	}
	return ""
}

// stay keeps the registries until ctx ends, and says what can be done with them.
func (d *demo) stay(ctx context.Context) {
	d.note(`
That was the whole job. Both registries stay until Ctrl-C ends them. In another terminal,
into a folder of the private one that is empty:

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
