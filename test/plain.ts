// A CI's log is in colours, and what tests compare is text: set before anything that decides on them is loaded.
process.env.NO_COLOR = "1";
