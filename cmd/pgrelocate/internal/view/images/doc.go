// Package images has the results of looking for images in charts and manifests.
package images
