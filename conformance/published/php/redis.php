<?php

// Symfony's RedisSessionHandler, on a Redis, by the extension of PHP.

require_once 'Symfony/Component/HttpFoundation/autoload.php';

use Symfony\Component\HttpFoundation\Session\Storage\Handler\RedisSessionHandler;

return [
    'name' => 'Symfony RedisSessionHandler',
    'version' => '5.4',
    'capabilities' => ['persistent' => true, 'shared' => true, 'clear_expired' => 'automatic', 'other_storage' => true],
    'hooks' => ['second-process'],
    'open' => function (string $dir, bool $fresh, string $site) {
        [$host, $port] = explode(':', getenv('SERVER'));
        $redis = new Redis();
        $redis->connect($host, (int) $port);
        return new RedisSessionHandler($redis, ['prefix' => "$site:"]);
    },
];
