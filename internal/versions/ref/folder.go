package ref

import (
	"errors"
	"fmt"
	"strings"
)

// Folder is a registry, or a folder in one: HOST[/PATH]. The zero value is none.
type Folder struct {
	// Host is the registry with its port, "registry.example.com:5000".
	Host string
	// Path is the folder, "team/databases"; empty is the registry's root.
	Path string
}

// ParseFolder reads HOST[/PATH] as users write it; one slash at the end does not
// matter. Its errors never repeat what may be a password.
func ParseFolder(s string) (Folder, error) {
	r, err := parseFolder(s)
	if err == nil {
		return r, nil
	}
	if strings.Contains(s, "@") {
		return Folder{}, fmt.Errorf("registry: %w", err)
	}
	return Folder{}, fmt.Errorf("registry %s: %w", Quote(s), err)
}

func parseFolder(s string) (Folder, error) {
	if strings.Contains(s, "@") {
		return Folder{}, errors.New(`it contains an "@"; write HOST[/PATH], without credentials and without a digest`)
	}
	if err := checkSpelling(s); err != nil {
		return Folder{}, err
	}
	host, path, _ := strings.Cut(strings.TrimSuffix(s, "/"), "/")
	if err := checkHost(host); err != nil {
		return Folder{}, err
	}
	if strings.Contains(path, ":") {
		return Folder{}, errors.New("it names a tag; write HOST[/PATH]")
	}
	if path != "" {
		if err := checkFolder(path); err != nil {
			return Folder{}, err
		}
	}
	return Folder{Host: host, Path: path}, nil
}

// String is HOST[/PATH]; empty for the zero value.
func (r Folder) String() string { return join(r.Host, r.Path) }

// IsZero tells whether r is no registry.
func (r Folder) IsZero() bool { return r == Folder{} }

// MarshalText writes r as String does.
func (r Folder) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what MarshalText wrote; empty text is no registry.
func (r *Folder) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*r = Folder{}
		return nil
	}
	parsed, err := ParseFolder(string(text))
	if err != nil {
		return err
	}
	*r = parsed
	return nil
}

// Reference names the tag of a repository below r.
func (r Folder) Reference(repository, tag string) Reference {
	return Reference{Host: r.Host, Repository: join(r.Path, repository), Tag: tag}
}

// join puts a slash between elements, and none where one is empty.
func join(elements ...string) string {
	kept := elements[:0:0]
	for _, element := range elements {
		if element != "" {
			kept = append(kept, element)
		}
	}
	return strings.Join(kept, "/")
}

// Common is the folder that all names lie in, be they references, repositories or paths of folders: what they have in
// common up to a slash. It is empty where there is nothing.
func Common(names []string) string {
	if len(names) == 0 {
		return ""
	}
	common := parent(names[0])
	for _, name := range names[1:] {
		for common != "" && !strings.HasPrefix(name, common+"/") {
			common = parent(common)
		}
	}
	return common
}

func parent(name string) string { return name[:max(strings.LastIndexByte(name, '/'), 0)] }
