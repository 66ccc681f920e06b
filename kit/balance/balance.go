// Package balance sends requests to the instances of the service that they name, by turns,
// and to another instance if one is lost.
package balance

// BaseURL is the base URL of clients whose requests a Balancer sends: it replaces scheme
// and host by those of an instance of the service in the path.
const BaseURL = "http://balanced.invalid"
