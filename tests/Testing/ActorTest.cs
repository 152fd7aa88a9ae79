using System.Globalization;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.TestKit.Xunit2;

namespace VmSim.Testing;

/// <summary>
/// A test with an actor system of its own. It waits for messages until a hang is sure, and its log has errors alone: messages to actors
/// that a test has stopped are none.
/// </summary>
public abstract class ActorTest : TestKit
{
    private static readonly Config Quiet = ConfigurationFactory.ParseString(string.Create(CultureInfo.InvariantCulture, $$"""
        akka {
          # The test kit's own logger writes every dead letter, whatever the level.
          loggers = ["Akka.Event.DefaultLogger"]
          loglevel = ERROR
          stdout-loglevel = OFF
          log-dead-letters = off
          log-dead-letters-during-shutdown = off
          test.default-timeout = {{HangGuard.Limit.TotalSeconds}}s
          test.single-expect-default = {{HangGuard.Limit.TotalSeconds}}s
        }
        """));

    /// <summary>Makes a system without anything besides.</summary>
    protected ActorTest()
        : this(Config.Empty)
    {
    }

    /// <summary>Makes a system.</summary>
    /// <param name="config">What it has besides.</param>
    /// <param name="setups">What cannot be said in a configuration.</param>
    protected ActorTest(Config config, params Setup[] setups)
        : base(
            ActorSystemSetup.Create(
                [BootstrapSetup.Create().WithConfig(config.WithFallback(Quiet).WithFallback(DefaultConfig)), .. setups]))
    {
    }
}
