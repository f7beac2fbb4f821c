package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pgrelocate/pgrelocate/tests/bench/families"
	"github.com/pgrelocate/pgrelocate/tests/bench/figures"
)

// tool is a program that copies images, used in one way.
type tool struct {
	name        string
	binary      string
	versionArgs []string
	versionLine string
	ours        bool
	// parallel is how many of its commands run at once.
	parallel int
	// commands copies what a job names.
	commands func(t *tool, j *job) [][]string
	// oneImage takes part where one image is copied: of the ways of one program one is enough.
	oneImage bool
	// family takes part where a whole family is, and many where it is one of thousands of images.
	family, many bool
	// unchecked leaves it to the target to check digests: a profile of it shows no SHA-256.
	unchecked bool
	// timeout is for each command, where it is not that of the flags.
	timeout time.Duration
}

// within is the tool with another time for each command.
func (t *tool) within(timeout time.Duration) *tool {
	more := *t
	more.timeout = timeout
	return &more
}

// with is the tool with a flag more on each of its command lines.
func (t *tool) with(flag string) *tool {
	more := *t
	more.commands = func(_ *tool, j *job) [][]string {
		commands := t.commands(t, j)
		for i := range commands {
			commands[i] = append(commands[i], flag)
		}
		return commands
	}
	return &more
}

// job is what is to be copied.
type job struct {
	source, target string // hosts
	artifacts      []families.Artifact
	family         *families.Spec // which they belong to
	caFile         string         // empty is plain HTTP
	dir            string         // for files that a tool wants
	extra          []string
}

func (t *tool) isAmong(names []string) bool {
	return slices.Contains(names, t.name) || slices.Contains(names, filepath.Base(t.binary))
}

func (j *job) from(a families.Artifact) string { return j.source + "/" + a.String() }
func (j *job) to(a families.Artifact) string {
	return j.target + "/" + families.Folder + "/" + a.String()
}

// each makes one command for each artifact.
func each(make func(t *tool, j *job, a families.Artifact) []string) func(*tool, *job) [][]string {
	return func(t *tool, j *job) [][]string {
		var commands [][]string
		for _, a := range j.artifacts {
			commands = append(commands, append([]string{t.binary}, make(t, j, a)...))
		}
		return commands
	}
}

// knownTools are all that can take part, in the order of the tables.
func knownTools(opts *options) []*tool {
	crane := each(func(_ *tool, j *job, a families.Artifact) []string {
		return []string{"copy", j.from(a), j.to(a)}
	})
	all := []*tool{
		{name: "pgrelocate", binary: opts.program, versionArgs: []string{"version"}, ours: true, parallel: 1,
			oneImage: true, family: true, commands: oursCommands},
		{name: "crane, 8 at a time", binary: "crane", versionArgs: []string{"version"}, parallel: 8, family: true, many: true, commands: crane},
		{name: "crane", binary: "crane", versionArgs: []string{"version"}, parallel: 1, oneImage: true, family: true, commands: crane},
		{name: "regsync", binary: "regsync", versionArgs: []string{"version"}, versionLine: "VCSTag:", parallel: 1, family: true, many: true,
			commands: regsyncCommands},
		{name: "regctl", binary: "regctl", versionArgs: []string{"version"}, versionLine: "VCSTag:", parallel: 1, oneImage: true, commands: regctlCommands},
		{name: "skopeo", binary: "skopeo", versionArgs: []string{"--version"}, parallel: 1, oneImage: true, family: true,
			commands: each(func(_ *tool, j *job, a families.Artifact) []string {
				verify := fmt.Sprint(j.caFile != "")
				return []string{"--insecure-policy", "copy", "--quiet", "--preserve-digests",
					"--src-tls-verify=" + verify, "--dest-tls-verify=" + verify,
					"docker://" + j.from(a), "docker://" + j.to(a)}
			})},
		{name: "oras", binary: "oras", versionArgs: []string{"version"}, versionLine: "Version:", parallel: 1, oneImage: true, family: true, unchecked: true,
			commands: each(func(_ *tool, j *job, a families.Artifact) []string {
				args := []string{"cp", "--no-tty", j.from(a), j.to(a)}
				if j.caFile == "" {
					args = append(args, "--from-plain-http", "--to-plain-http")
				}
				return args
			})},
		{name: "imgpkg", binary: "imgpkg", versionArgs: []string{"version"}, versionLine: "imgpkg version", parallel: 1, oneImage: true, family: true,
			commands: each(func(_ *tool, j *job, a families.Artifact) []string {
				to := strings.TrimSuffix(j.to(a), ":"+a.Tag)
				return []string{"copy", "-i", j.from(a), "--to-repo", to, "--registry-insecure", "--yes"}
			})},
	}
	if opts.baseline != "" {
		baseline := *all[0]
		baseline.name, baseline.binary, baseline.ours = figures.BaselineName, opts.baseline, false
		all = slices.Insert(all, 1, &baseline)
	}
	return all
}

// oursCommands copies the release that the built-in catalogue knows, or any one image by a
// catalogue of its own.
func oursCommands(t *tool, j *job) [][]string {
	args := []string{t.binary, "copy", "--source", j.source, "--registry", j.target, "--quiet"}
	switch {
	case len(j.family.Releases) > 0:
		args = append(args, "--catalogue", write(j.dir, "catalogue.yaml", j.family.Catalogue()), "--product", "releases",
			"--release", strings.Join(j.family.Releases, ","))
	case len(j.artifacts) > 1:
		args = append(args, "--release", families.Release)
	default:
		args = append(args, "--catalogue", write(j.dir, "catalogue.yaml", oneImageCatalogue), "--product", "bench")
	}
	if j.caFile != "" {
		args = append(args, "--ca-file", j.caFile)
	}
	return [][]string{append(args, j.extra...)}
}

const oneImageCatalogue = `product: bench
target: ` + families.Folder + `
registries:
  vendor: registry.example.com
shapes:
  image:
    registry: vendor
    operator:
      repository: postgres-operator
      tag: "{release}"
    instances: []
releases:
  ` + families.Release + `:
    shape: image
    versions: []
`

// regsyncCommands writes regsync's configuration, which is JSON here: that is YAML too.
func regsyncCommands(t *tool, j *job) [][]string {
	type object = map[string]any
	var sync []object
	for _, a := range j.artifacts {
		sync = append(sync, object{"source": j.from(a), "target": j.to(a), "type": "image"})
	}
	config := object{
		"version": 1, "creds": j.regclientHosts(), "defaults": object{"parallel": 8}, "sync": sync,
	}
	data, err := json.Marshal(config)
	if err != nil {
		panic(err) // of our own making
	}
	return [][]string{{t.binary, "once", "-c", write(j.dir, "regsync.json", string(data)), "-v", "error"}}
}

func (j *job) regclientHosts() []map[string]any {
	var hosts []map[string]any
	for _, host := range []string{j.source, j.target} {
		entry := map[string]any{"registry": host, "tls": "disabled"}
		if j.caFile != "" {
			pem, err := os.ReadFile(j.caFile)
			if err != nil {
				panic(giveUp{err})
			}
			entry["tls"], entry["regcert"] = "enabled", string(pem)
		}
		hosts = append(hosts, entry)
	}
	return hosts
}

func regctlCommands(t *tool, j *job) [][]string {
	var commands [][]string
	for _, a := range j.artifacts {
		args := []string{t.binary, "image", "copy", j.from(a), j.to(a)}
		for _, host := range []string{j.source, j.target} {
			setting := "reg=" + host + ",tls=disabled"
			if j.caFile != "" {
				setting = "reg=" + host + ",tls=enabled"
			}
			args = append(args, "--host", setting)
		}
		commands = append(commands, args)
	}
	return commands
}

// write makes a file that a tool wants and returns its name.
func write(dir, name, content string) string {
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		panic(giveUp{err})
	}
	return file
}
