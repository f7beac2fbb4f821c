// Package versions knows what can be relocated: products, their releases, the
// PostgreSQL versions and editions of each, and what a user's selection of them
// comes to. It is pure: no network, no clock, no file but the embedded catalogue.
package versions
