package formats

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"go.yaml.in/yaml/v3"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// What a list of images may hold.
const (
	MaxList   = 4 << 20 // bytes
	maxImages = 10_000
)

// Listed is an image that a list names.
type Listed struct {
	// Image is in its canonical form; a digest in it says what the source has to have.
	Image ref.Reference
	// Platforms are digests that have to be among those of the image's platforms, or its own; a
	// list that knows none says nothing of them.
	Platforms []string
}

// ParseImages reads a list of images: dt's Images.lock, imgpkg's ImagesLock, or plain text with an
// image a line, in which # begins a comment. An image that is there twice counts once.
func ParseImages(text []byte) ([]Listed, error) {
	if len(text) > MaxList {
		return nil, fmt.Errorf("a list of %d bytes is too long; at most %d", len(text), MaxList)
	}
	found, err := parseImages(text)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, errors.New("it names no image")
	}
	if len(found) > maxImages {
		return nil, fmt.Errorf("it names more than %d images", maxImages)
	}
	return distinct(found), nil
}

func parseImages(text []byte) ([]Listed, error) {
	var head struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string `yaml:"kind"`
	}
	if yaml.Unmarshal(text, &head) != nil || head.Kind == "" && head.APIVersion == "" {
		return parseLines(text)
	}
	switch {
	case head.Kind != "ImagesLock":
		return nil, fmt.Errorf("a document of the kind %s is no list of images", ref.Quote(head.Kind))
	case head.APIVersion == "v0":
		return parseDT(text)
	case strings.HasPrefix(head.APIVersion, "imgpkg.carvel.dev/"):
		return parseImgpkg(text)
	default:
		return nil, fmt.Errorf("an ImagesLock of the version %s is not known", ref.Quote(head.APIVersion))
	}
}

// parseLines reads an images.txt.
func parseLines(text []byte) ([]Listed, error) {
	var all []Listed
	lines := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	for number := 1; lines.Scan(); number++ {
		line, _, _ := strings.Cut(lines.Text(), "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		image, err := ref.ParseImage(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		all = append(all, Listed{Image: image.Tagged()})
	}
	return all, lines.Err()
}

// parseDT reads what VMware's distribution tooling for Helm writes beside a chart: an image by its
// tag, with the digest of each platform.
func parseDT(text []byte) ([]Listed, error) {
	var lock struct {
		Images []struct {
			Image   string `yaml:"image"`
			Digests []struct {
				Digest string `yaml:"digest"`
			} `yaml:"digests"`
		} `yaml:"images"`
	}
	if err := yaml.Unmarshal(text, &lock); err != nil {
		return nil, err
	}
	var all []Listed
	for _, locked := range lock.Images {
		image, err := ref.ParseImage(locked.Image)
		if err != nil {
			return nil, err
		}
		listed := Listed{Image: image.Tagged()}
		for _, d := range locked.Digests {
			if _, err := v1.NewHash(d.Digest); err != nil {
				return nil, fmt.Errorf("%s: %s is no digest", image, ref.Quote(d.Digest))
			}
			listed.Platforms = append(listed.Platforms, d.Digest)
		}
		all = append(all, listed)
	}
	return all, nil
}

// parseImgpkg reads what imgpkg and kbld write: images by digest, and perhaps beside it what they
// were called before.
func parseImgpkg(text []byte) ([]Listed, error) {
	type entry struct {
		Image       string            `yaml:"image"`
		Annotations map[string]string `yaml:"annotations"`
	}
	var lock struct {
		Images []entry `yaml:"images"`
		Spec   struct {
			Images []entry `yaml:"images"`
		} `yaml:"spec"`
	}
	if err := yaml.Unmarshal(text, &lock); err != nil {
		return nil, err
	}
	var all []Listed
	for _, locked := range append(lock.Images, lock.Spec.Images...) {
		image, err := ref.ParseImage(locked.Image)
		if err != nil {
			return nil, err
		}
		if image.Digest == "" {
			return nil, fmt.Errorf("%s has no digest, and an ImagesLock names images by theirs", image)
		}
		before, err := ref.ParseImage(locked.Annotations["kbld.carvel.dev/id"])
		if err == nil && before.Host == image.Host && before.Repository == image.Repository && image.Tag == "" {
			image.Tag = before.Tag
		}
		all = append(all, Listed{Image: image})
	}
	return all, nil
}

func distinct(all []Listed) []Listed {
	seen := map[ref.Reference]bool{}
	var kept []Listed
	for _, l := range all {
		if !seen[l.Image] {
			seen[l.Image] = true
			kept = append(kept, l)
		}
	}
	return kept
}

// Artifacts are the images of a list with their places below a folder: each keeps its path. Two
// that would become one are an error.
func Artifacts(list []Listed, target ref.Folder) ([]versions.Artifact, error) {
	taken := map[ref.Reference]ref.Reference{}
	var all []versions.Artifact
	for _, l := range list {
		at := target.Reference(l.Image.Repository, l.Image.Tag)
		if at.Tag == "" {
			at.Digest = l.Image.Digest
		}
		if before, ok := taken[at]; ok {
			return nil, fmt.Errorf("%s and %s would both become %s", before, l.Image, at)
		}
		taken[at] = l.Image
		if err := ref.CheckRepository(at.Host, at.Repository); err != nil {
			return nil, fmt.Errorf("%s: %w", l.Image, err)
		}
		all = append(all, versions.Artifact{Role: versions.RoleChartImage, Source: l.Image, Target: at})
	}
	return all, nil
}
