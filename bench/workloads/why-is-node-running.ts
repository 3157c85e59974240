/** The preload of the other tool without its own entry file, which prints a line and listens to a signal. */
import 'why-is-node-running';
