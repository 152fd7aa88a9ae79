using VmSim.Host;

Console.SetOut(StandardOutput.Writer());
return await CommandLineApp.RunAsync(args, Console.Out, Console.Error);
