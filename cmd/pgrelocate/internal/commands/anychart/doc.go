// Package anychart holds the commands for charts and manifests that no catalogue describes.
package anychart
