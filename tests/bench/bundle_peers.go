package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/pgrelocate/pgrelocate/tests/bench/families"
)

// bundleWriters write the family into files in dir, as the tools by these names do it.
var bundleWriters = map[string]func(b *bench, t *tool, f *families.Family, source *wire, dir string){
	"skopeo": oneLayout(func(from, layout string, a families.Artifact) []string {
		return []string{"--insecure-policy", "copy", "--quiet", "--src-tls-verify=false",
			"docker://" + from, "oci:" + layout + ":" + a.Repository + "-" + a.Tag}
	}),
	"oras": oneLayout(func(from, layout string, a families.Artifact) []string {
		return []string{"cp", "--no-tty", "--from-plain-http", from, "--to-oci-layout", layout + ":" + a.Repository + "-" + a.Tag}
	}),
	"crane": oneLayout(func(from, layout string, _ families.Artifact) []string {
		return []string{"pull", "--insecure", "--format", "oci", from, layout}
	}),
	"imgpkg": lockedTar,
}

// oneLayout writes one image after the other into one OCI image layout.
func oneLayout(write func(from, layout string, a families.Artifact) []string) func(*bench, *tool, *families.Family, *wire, string) {
	return func(b *bench, t *tool, f *families.Family, source *wire, dir string) {
		layout := filepath.Join(dir, t.name)
		b.check(os.MkdirAll(layout, 0o755))
		var commands [][]string
		for _, a := range f.Spec.Artifacts {
			commands = append(commands, append([]string{t.binary}, write(source.host()+"/"+a.String(), layout, a)...))
		}
		b.overWire(source, t.name+" in a loop into one layout", false, commands, layout)
		b.check(os.RemoveAll(layout))
	}
}

// lockedTar names all images in a file, writes them with one command, and loads them with
// another, into one repository.
func lockedTar(b *bench, t *tool, f *families.Family, source *wire, dir string) {
	var lock strings.Builder
	lock.WriteString("apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\nimages:\n")
	for _, a := range f.Spec.Artifacts {
		lock.WriteString("- image: " + source.host() + "/" + a.Repository + "@" + f.Digests[a.String()] + "\n")
	}
	file := filepath.Join(dir, t.name+".tar")
	insecure := []string{"--registry-insecure", "--yes"}
	save := append([]string{t.binary, "copy", "--lock", write(dir, "images.yaml", lock.String()), "--to-tar", file}, insecure...)
	b.overWire(source, t.name+" copy --to-tar", false, [][]string{save}, file)
	b.load(t.name+" copy --tar", false, f, func(host string) []string {
		return append([]string{t.binary, "copy", "--tar", file, "--to-repo", host + "/" + families.Folder + "/all"}, insecure...)
	})
	b.check(os.Remove(file))
}
