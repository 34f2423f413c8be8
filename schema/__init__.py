"""In charge of GraphQL: names, types, the executable schema of each project and the door that runs documents."""
