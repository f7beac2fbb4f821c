package nodes

import (
	"fmt"
	"slices"
	"strings"
)

// containerd writes one hosts.toml for each of the vendors' registries. Its only change of a path
// is override_path: what the URL has after its host stands before the repository.
func containerd(rules []Rule, opts Options) ([]File, error) {
	if err := reachable(rules); err != nil {
		return nil, err
	}
	var files []File
	for _, host := range Hosts(rules) {
		dir := "etc/containerd/certs.d/" + directory(host) + "/"
		var addresses []string
		for _, r := range rules {
			if r.Vendor.Host != host {
				continue
			}
			prefix, _ := r.prefix()
			addresses = append(addresses, strings.TrimSuffix(opts.scheme()+r.Private.Host+"/v2/"+prefix, "/"))
		}
		slices.Sort(addresses)
		addresses = slices.Compact(addresses)
		if opts.Authority != nil {
			files = append(files, File{Path: dir + "ca.crt", Body: opts.Authority})
		}
		files = append(files, File{Path: dir + "hosts.toml", Body: hostsTOML(host, addresses, opts)})
	}
	return files, nil
}

// hostsTOML names the private registry as server too: containerd asks the server for what its
// hosts do not give, and shows it the pull secret's password.
func hostsTOML(vendor string, addresses []string, opts Options) []byte {
	var b strings.Builder
	settings := "capabilities = [\"pull\", \"resolve\"]\noverride_path = true\n"
	if opts.Authority != nil {
		settings += "ca = \"ca.crt\"\n"
	}
	if !opts.AskVendor {
		fmt.Fprintf(&b, "server = %q\n%s", addresses[len(addresses)-1], settings)
	} else {
		fmt.Fprintf(&b, "server = %q\n", "https://"+server(vendor))
	}
	for _, address := range addresses {
		fmt.Fprintf(&b, "\n[host.%q]\n%s", address, settings)
	}
	return []byte(b.String())
}

// server is where a vendor's registry really is.
func server(host string) string {
	if host == "docker.io" {
		return "registry-1.docker.io"
	}
	return host
}

// directory is the name of a registry's folder: a colon cannot be in file names everywhere.
func directory(host string) string {
	if at := strings.LastIndexByte(host, ':'); at > 0 {
		return host[:at] + "_" + host[at+1:] + "_"
	}
	return host
}

// reachable finds the rules that change more than what stands before a path.
func reachable(rules []Rule) error {
	err := &UnreachableError{}
	for _, r := range rules {
		if _, ok := r.prefix(); !ok {
			err.Rules = append(err.Rules, r)
		}
	}
	if len(err.Rules) == 0 {
		return nil
	}
	err.Better = better(rules)
	return err
}

// better is a folder of the private registry in which containerd would find what all rules lead
// to: it ends as the vendor's own does.
func better(rules []Rule) string {
	first := rules[0]
	for _, r := range rules {
		if r.Exact || r.Vendor.Path != first.Vendor.Path || r.Private != first.Private {
			return ""
		}
	}
	return first.Private.String() + "/" + first.Vendor.Path
}
