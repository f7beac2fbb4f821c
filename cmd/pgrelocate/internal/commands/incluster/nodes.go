package incluster

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/flagset"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/exporting"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
	"github.com/pgrelocate/pgrelocate/internal/nodes"
)

// NewNodesCommand makes `pgrelocate nodes`.
func NewNodesCommand(a *app.App) *cobra.Command {
	var opts exporting.NodesOptions
	var pull flagset.PullFlags
	var kind string
	cmd := &cobra.Command{
		Use:   "nodes",
		Short: "Write what leads nodes to the private registry",
		Long: `Write the configuration with which a cluster's nodes take images from the private
registry that pods name at their vendor's: charts and manifests then need no change.
What is selected, or is in --lock FILE, says which names lead where. Nobody is asked.

--for names the nodes' runtime:

  containerd   certs.d/VENDOR/hosts.toml, below the config_path of containerd
  k3s, rke2    registries.yaml
  crio         a drop-in of registries.conf, for CRI-O and podman
  openshift    an ImageDigestMirrorSet and an ImageTagMirrorSet

Where the private registry lacks an image the vendor is not asked: its nodes would show
the vendor the private registry's password. --ask-vendor lets them. containerd does so
for all of the vendor's registry, and not for the product's images alone.

With containerd, k3s and rke2 a pod's pull secret has to be keyed by the vendor's host:
"pgrelocate secret --vendor-hosts" makes such. CRI-O, and OpenShift with it, shows a
mirror no pull secret at all: nodes need a login of their own, which --with-login
writes. The authorities in --ca-file become those that nodes trust.`,
		Example: `  # look
  pgrelocate nodes --for containerd --registry registry.example.com

  # into a folder that is laid over / on each node
  pgrelocate nodes --for containerd --registry registry.example.com \
    --ca-file ca.pem --into node
  pgrelocate secret --registry registry.example.com --namespace demo \
    --vendor-hosts

  # for the whole of an OpenShift cluster
  pgrelocate nodes --for openshift --registry registry.example.com |
    oc apply -f -`,
		Args: usage.NoArgs,
		RunE: a.With(func(ctx context.Context, cfg *config.Config, _ []string) (err error) {
			opts.Kind = nodes.Kind(kind)
			if opts.PullCredentials, err = pull.Given(ctx, a); err != nil {
				return err
			}
			return writeNodes(ctx, a, cfg, opts)
		}),
	}
	fs := cmd.Flags()
	fs.StringVar(&kind, "for", "", "write it for `RUNTIME`: containerd, k3s, rke2, crio or openshift")
	fs.StringVar(&opts.Lock, "lock", "", "take what is in the lock `FILE`, instead of the selection")
	fs.StringVar(&opts.Into, "into", "", "write files into `FOLDER`, at their paths on a node; print them if not given")
	fs.BoolVar(&opts.Overwrite, "overwrite", false, "let --into replace files")
	fs.BoolVar(&opts.AskVendor, "ask-vendor", false, "let nodes ask the vendor for what the private registry lacks, and show it the login")
	fs.BoolVar(&opts.WithLogin, "with-login", false, "write the login too, with --into only: for k3s, rke2, crio and openshift")
	pull.Add(fs)
	a.Settings.AddFlags(fs, []string{"registry"}, config.Selection, []string{"with-prerequisites", "ca-file", "plain-http"})
	return cmd
}

func writeNodes(ctx context.Context, a *app.App, cfg *config.Config, opts exporting.NodesOptions) error {
	if opts.Into == "-" { // standard output
		opts.Into = ""
	}
	switch {
	case opts.Kind == "":
		return exit.Usagef("for which nodes? --for %s", kindsOfNodes())
	case !slices.Contains(nodes.Kinds(), opts.Kind):
		return exit.Usagef("--for %s: there is no such runtime; choose %s", opts.Kind, kindsOfNodes())
	case opts.WithLogin && opts.Into == "":
		return exit.Usagef("--with-login writes a password into a file: --into FOLDER is missing")
	case opts.WithLogin && opts.Kind == nodes.Containerd:
		return exit.Usagef("containerd has no file for a login").WithHint("a pull secret that is keyed by the vendor's host does it: pgrelocate secret --vendor-hosts")
	}
	if err := app.NeedRegistry(cfg); err != nil {
		return err
	}
	s := a.Session(cfg)
	defer s.Close()
	made, err := exporting.Nodes(ctx, s, opts)
	if err != nil {
		return err
	}
	tellScheme(a, cfg, made)
	tellNodes(a, opts, made)
	if opts.Into != "" {
		a.Note("written: %s", strings.Join(made.Written, ", "))
		return nil
	}
	_, err = a.Out.Write(printed(made.Files))
	return err
}

func kindsOfNodes() string {
	kinds := nodes.Kinds()
	words := make([]string, len(kinds))
	for i, k := range kinds {
		words[i] = string(k)
	}
	return strings.Join(words, ", ")
}

// printed are files one after the other, each below its path where there are several. What is
// YAML stays one stream of YAML.
func printed(all []nodes.File) []byte {
	var b bytes.Buffer
	for i, file := range all {
		if i > 0 && strings.HasSuffix(file.Path, ".yaml") {
			b.WriteString("---\n")
		} else if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "# %s\n", file.Path)
		b.Write(file.Body)
	}
	return b.Bytes()
}

// tellScheme says how nodes are told to reach the private registry, where nobody has said.
func tellScheme(a *app.App, cfg *config.Config, made *exporting.NodeFiles) {
	switch host := cfg.Registry.Host; {
	case !made.Assumed:
	case made.PlainHTTP:
		a.Note("%s is taken to speak plain HTTP, for it is this machine: --ca-file FILE if it speaks HTTPS; to a node that name is the node itself", host)
	default:
		a.Note("%s is taken to speak HTTPS: --plain-http if it does not", host)
	}
}

// tellNodes says what the files alone do not do.
func tellNodes(a *app.App, opts exporting.NodesOptions, made *exporting.NodeFiles) {
	hosts := strings.Join(made.Hosts, ", ")
	switch opts.Kind {
	case nodes.Containerd:
		a.Note("nodes take all of %s from the private registry then; pull secrets are keyed by these hosts: pgrelocate secret --vendor-hosts", hosts)
	case nodes.K3s, nodes.RKE2:
		if !opts.AskVendor {
			a.Note("start %s with --disable-default-registry-endpoint, or it asks %s for what the private registry lacks", opts.Kind, hosts)
		}
		if !opts.WithLogin {
			a.Note("pull secrets are keyed by %s: pgrelocate secret --vendor-hosts", hosts)
		}
	default:
		if !opts.WithLogin {
			a.Note("no pull secret reaches the private registry this way: nodes need a login of their own, see --with-login")
		}
	}
}
