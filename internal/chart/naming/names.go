package naming

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// A string names an image where
//
//   - its field is "image", or ends in "Image": then it is one, however short,
//   - it holds HOST/PATH with a tag or a digest: then it cannot be much else,
//   - what stands before it says so: DEFAULT_IMAGE, --sidecar-image=, "image":,
//   - it holds a short name of Docker Hub that lies where the product comes from.
//
// Names without a tag, cert-manager.io/inject-ca-from, are those of API groups and of
// annotations as well. They are taken for repositories only where a whole string is one.

// names reads the names of images out of strings.
type names struct {
	hub []ref.Folder
	// own are the product's repositories by their short names: acme/operator.
	own map[string]ref.Reference
}

func newNames(origin Origin) names {
	n := names{hub: origin.hub(), own: map[string]ref.Reference{}}
	for _, image := range origin.Images {
		image.Tag, image.Digest = "", ""
		n.own[shortOf(image)] = image
	}
	return n
}

// shortOf is a repository without its host.
func shortOf(image ref.Reference) string {
	if image = image.Canonical(); image.Host == ref.DockerHub {
		return strings.TrimPrefix(image.Repository, "library/")
	}
	return image.Repository
}

// named is an image, or a repository, that a line names.
type named struct {
	ref.Reference
	// repository says that the line names no tag and no digest, and that nobody fills one in.
	repository bool
}

// in finds the images in one line of a string, each once.
func (n names) in(at spot, line string) []named {
	if image, ok := imageField(at, line); ok {
		return []named{{Reference: image}}
	}
	var found []named
	add := func(image named) {
		if !slices.Contains(found, image) {
			found = append(found, image)
		}
	}
	for _, word := range strings.FieldsFunc(line, isDelimiter) {
		if image, ok := n.inWord(word); ok {
			add(image)
		}
	}
	for _, image := range labelled(at.label + "=" + line) {
		add(image)
	}
	if image, ok := n.repository(at, strings.TrimSpace(line)); ok {
		add(image)
	}
	return found
}

// isDelimiter tells what stands round references in arguments, lists, JSON and prose.
func isDelimiter(r rune) bool { return strings.ContainsRune(" \t\r\n\"'`=,;|(){}[]<>\\", r) }

// tidy takes off a word what is not part of a reference.
func tidy(word string) string {
	word = strings.TrimPrefix(strings.TrimPrefix(word, "docker://"), "oci://")
	return strings.TrimRight(word, ".-")
}

// inWord reads a word that stands by itself.
func (n names) inWord(word string) (named, bool) {
	word = tidy(word)
	if !strings.ContainsAny(word, ":@") || strings.HasPrefix(word, "/") {
		return named{}, false
	}
	image, err := ref.ParseImage(word)
	if err != nil || image.Tag == "" && image.Digest == "" {
		return named{}, false
	}
	if hasHost(word) {
		return named{Reference: image}, true
	}
	single := !strings.Contains(word, "/")
	if n.isOwn(image) && (!single || image.Digest != "" || isTagOfOneWord(image.Tag)) {
		return named{Reference: image}, true
	}
	inHub := slices.ContainsFunc(n.hub, func(f ref.Folder) bool { return f.Holds(image) })
	return named{Reference: image}, inHub
}

// isOwn tells whether a name without a host is that of one of the product's repositories.
func (n names) isOwn(image ref.Reference) bool {
	_, own := n.own[shortOf(image)]
	return own
}

// isTagOfOneWord tells a version from what else follows a word and a colon: "postgres:17",
// and not "postgres:5432" nor "postgres:postgres".
func isTagOfOneWord(tag string) bool {
	return tag == "latest" || strings.ContainsAny(tag, "0123456789") && !isPort(tag)
}

// isPort tells whether a number is too large for a version that consists of one.
func isPort(tag string) bool {
	number, err := strconv.Atoi(tag)
	return err == nil && number >= 1024
}

// isEndpoint tells a host with its port from a name of one word with its tag.
func isEndpoint(image ref.Reference) bool {
	return isPort(image.Tag) || strings.Contains(image.Repository, ".")
}

// hasHost tells whether a name begins with a host by which registries are recognised: one
// with a dot or a port, or localhost. Kubernetes keeps a domain for its labels, in which no
// registry can be: kubernetes.io/os:linux is one with its value.
func hasHost(word string) bool {
	host, _, found := strings.Cut(strings.ToLower(word), "/")
	isLabel := host == "kubernetes.io" || strings.HasSuffix(host, ".kubernetes.io")
	return found && !isLabel && hostPattern().MatchString(host)
}

// The patterns are compiled when they are needed first: most commands look at no chart.
var (
	hostPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(?:localhost|[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+|[a-z0-9-]+:[0-9]+|\[[0-9a-f:]+\])(?::[0-9]+)?$`)
	})
	flagPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile("(?i)(?:^|\\s)--?[a-z0-9-]*image\\s+[\"']?([^\\s\"'`=,;|(){}\\[\\]<>\\\\]+)")
	})
	labelPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile("(?i)image[a-z0-9_.-]*" + `\\?["']?\s*[:=]\s*\\?["']?([^\s"'` + "`" + `=,;|(){}\[\]<>\\]+)`)
	})
)

// labelled finds what is said to be an image: IMAGE=acme/agent:1, "image": "acme/agent:1", and in a
// command of a shell --image acme/agent:1.
func labelled(text string) []named {
	var found []named
	for _, match := range flagPattern().FindAllStringSubmatch(text, -1) {
		word := tidy(match[1])
		if image, err := ref.ParseImage(word); err == nil && strings.Contains(word, "/") && (image.Tag != "" || image.Digest != "") {
			found = append(found, named{Reference: image})
		}
	}
	for _, at := range labelPattern().FindAllStringSubmatchIndex(text, -1) {
		word := tidy(text[at[2]:at[3]])
		image, err := ref.ParseImage(word)
		switch {
		case err != nil:
		case image.Digest != "", image.Tag != "" && (strings.Contains(word, "/") || !isEndpoint(image)):
			found = append(found, named{Reference: image})
		case image.Tag == "" && hasHost(word) && at[3] == len(text):
			found = append(found, named{Reference: image, repository: true})
		}
	}
	return found
}

// repository reads a string that is one of the product's own repositories at Docker Hub and
// nothing else, or a flag or a setting with that value, as operators get those to which they add the tag.
func (n names) repository(at spot, text string) (named, bool) {
	if key, value, found := strings.Cut(text, "="); found && !strings.ContainsAny(key, " \t\"'") {
		text = strings.Trim(value, " \"'")
	}
	own, ok := n.own[text]
	isOne := ok && own.Host == ref.DockerHub && strings.Contains(text, "/") && !strings.HasPrefix(at.path, "metadata.")
	return named{Reference: own, repository: true}, isOne
}

// imageField reads fields that hold nothing but an image: there a short name, "nginx",
// and a repository without a tag are images too.
func imageField(at spot, text string) (ref.Reference, bool) {
	field, text := at.path[strings.LastIndexByte(at.path, '.')+1:], strings.TrimSpace(text)
	if field != "image" && (!strings.HasSuffix(field, "Image") || !strings.ContainsAny(text, ":/@")) {
		return ref.Reference{}, false
	}
	image, err := ref.ParseImage(text)
	return image.Tagged(), err == nil
}
