using VmSim.Host;

return await CommandLineApp.RunAsync(args, Console.Out, Console.Error);
