using VmSim.Host;

return Entry.Run(args);
