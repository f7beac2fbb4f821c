package nodes

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// crio writes a drop-in of registries.conf, which CRI-O and podman read. The place of a folder is
// taken by another one: the vendor is not asked. Passwords of pull secrets are not shown to any
// other registry than the one that a pod names, so that nodes need one of their own.
func crio(rules []Rule, opts Options) ([]File, error) {
	var b strings.Builder
	for _, r := range rules {
		fmt.Fprintf(&b, "[[registry]]\nprefix = %q\n", r.Vendor)
		if opts.AskVendor {
			fmt.Fprintf(&b, "location = %q\n[[registry.mirror]]\nlocation = %q\n%s\n", r.Vendor, r.Private, insecure(opts))
			continue
		}
		fmt.Fprintf(&b, "location = %q\n%s\n", r.Private, insecure(opts))
	}
	files := []File{{Path: "etc/containers/registries.conf.d/50-pgrelocate.conf", Body: []byte(strings.TrimSuffix(b.String(), "\n"))}}
	if opts.Authority != nil {
		files = append([]File{{Path: "etc/containers/certs.d/" + private(rules) + "/ca.crt", Body: opts.Authority}}, files...)
	}
	if opts.Login == nil {
		return files, nil
	}
	auth, err := authFile(private(rules), *opts.Login)
	if err != nil {
		return nil, err
	}
	return append(files,
		File{Path: "etc/crio/crio.conf.d/50-pgrelocate.conf", Body: []byte("[crio.image]\nglobal_auth_file = \"/etc/crio/pgrelocate-auth.json\"\n")},
		File{Path: "etc/crio/pgrelocate-auth.json", Body: auth, Secret: true},
	), nil
}

func insecure(opts Options) string {
	if opts.PlainHTTP {
		return "insecure = true\n"
	}
	return ""
}

// authFile is an auth.json, as docker's config has it.
func authFile(host string, login Login) ([]byte, error) {
	body, err := json.MarshalIndent(map[string]any{"auths": map[string]any{
		host: map[string]string{"auth": base64.StdEncoding.EncodeToString([]byte(login.Username + ":" + login.Password))},
	}}, "", "  ")
	return append(body, '\n'), err
}
