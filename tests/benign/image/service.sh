#!/bin/sh
echo "service of $(id -u)"
