"""Extensions of the site: pages generated from the code, links, order of the galleries."""
