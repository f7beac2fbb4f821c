// Package charts holds the use cases for charts and manifests that no catalogue describes.
package charts
