using VmSim.Host;
using VmSim.Host.Terminal;

Console.SetOut(StandardOutput.Writer());
return await CommandLineApp.RunAsync(args, Console.Out, Console.Error);
